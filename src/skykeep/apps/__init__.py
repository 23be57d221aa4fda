"""Programs built on the public interface. Belongs here: what people start. Does not: anything
that a library's user would import."""
