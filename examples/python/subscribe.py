"""Print the alerts that are open, then those that come, until none did for five seconds. Settings come from the environment."""

from kimberley.client import AlertSubscriber

with AlertSubscriber(severities=["BLOCK", "HOLD"], group="customs-desk") as subscriber:
    for alert in subscriber.current():
        print("open:", alert.severity, alert.certificate_number, alert.rule_id)
    subscriber.run(lambda alert: print(alert.status, alert.certificate_number, alert.message), timeout=5)
