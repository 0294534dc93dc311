"""What was in force, where and when: participants' standing, measures, notices, issuers' own rules. As-of look-ups and the data that ships."""
