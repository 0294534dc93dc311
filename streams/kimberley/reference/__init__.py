"""What was in force, where and when: participants, measures, notices, issuers' rules. As-of look-ups and the data that ships."""
