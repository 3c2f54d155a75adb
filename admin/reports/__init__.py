"""Reports: how the promises were kept, where the time went, and the journal of Appendix 1."""
