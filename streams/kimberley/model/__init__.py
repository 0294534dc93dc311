"""Plain typed structs: events, cases, findings, alerts, decisions. Nothing here reads, judges or sends."""
