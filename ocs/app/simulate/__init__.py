"""`ocs simulate`: scenario files and recorded history become days, days become reports."""
