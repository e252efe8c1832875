"""What an OCS and an Outbound Notification Manager say to each other: JSON documents over HTTP."""
