"""After an incident: compare the topics with each other, and make anew what can be derived from the rest."""
