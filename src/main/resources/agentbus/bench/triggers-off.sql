alter table jobs disable trigger user
