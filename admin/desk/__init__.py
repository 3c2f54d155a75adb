"""The desk: what operators and supervisors work with all day."""
