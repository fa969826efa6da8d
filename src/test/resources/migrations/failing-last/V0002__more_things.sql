create table more_things (
    id integer primary key
);
