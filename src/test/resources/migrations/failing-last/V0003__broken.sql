create table broken (
    id integer,
    name no_such_type
);
