"""The cabinet: where customers see their tickets, write requests, answer, confirm and dispute."""
