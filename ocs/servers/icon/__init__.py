"""ICON: takes what OCSs report and keeps it in the tables of an interaction database."""
