create table left_things (id int);
create table right_things (id int);
