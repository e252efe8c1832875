"""Tables, statements, the adbapi pool; `IStore` on SQL and in memory."""
