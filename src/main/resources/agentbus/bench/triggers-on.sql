alter table jobs enable trigger user
