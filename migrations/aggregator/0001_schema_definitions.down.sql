DROP TABLE schema_definitions;
