"""Notices: what somebody was told under the bell."""
