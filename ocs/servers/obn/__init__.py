"""Outbound Notification Manager: dials what is asked for over HTTP, leads who answers through an application, posts results."""
