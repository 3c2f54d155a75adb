"""The tray of held mail, page by page."""
