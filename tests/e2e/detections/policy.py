"""Policies, one a service. What signatures count is few here, so that the talks stay short."""

OPEN, STRICT, WATCHED, SHUNNED, STERN, LENIENT = POLICIES = (1, 2, 3, 4, 5, 6)

POLICY = """
policies:
  - id: 1  # everything passes; what is odd is told of
    name: open
    default: pass
    peers:
      - name: lab
        addresses: [10.1.100.0/24]
        client_may:
          - {domain: ICC1, names: ["BRK*"], rights: [select, operate, tag]}
        points:
          - {domain: ICC1, names: ["PT_*"], min: 0, max: 500, quality: [valid, held], rate: {count: 3, seconds: 600}}
    detections: &few
      "620102": {count: 3, seconds: 600}
      "620202": {count: 3, seconds: 600}
      "620205": {count: 3, seconds: 600}
      "620302": {count: 3, seconds: 600}
      "620304": {count: 4, seconds: 600}
      "620305": {count: 3, seconds: 600}
      "620307": {count: 3, seconds: 600}
      "620501": {count: 3, seconds: 600}
      "620502": {count: 4, seconds: 600}
      "620802": {count: 3, seconds: 600}
      "620805": {count: 3, seconds: 600}
      "620901": {count: 6, seconds: 600}
      "620902": {count: 9, seconds: 600}
      "620903": {count: 4, seconds: 600}
      "621001": {count: 6, seconds: 600}
  - id: 2  # what no row allows is denied
    name: strict
    default: deny
    unknown_peer: reset
    peers:
      - name: lab
        addresses: [10.1.100.0/25, 10.1.100.128/26]
        client: {tsap: ["0001"], ap_title: ["1.1.999.1"], ae_qualifier: [12]}
        server: {tsap: ["0001"], ap_title: ["1.1.999.2"]}
        client_may:
          - {domain: ICC1, names: ["PT_*"], rights: [read, report]}
          - {domain: ICC1, names: [SP_1], rights: [read, write], values: {min: 0, max: 1}}
          - {domain: ICC1, names: [BRK1], rights: [select, operate], rate: {count: 2, seconds: 600}}
    detections: *few
  - id: 3  # likewise, but only told of
    name: watched
    default: monitor
    unknown_peer: monitor
    peers:
      - name: lab
        client: {ap_title: ["1.1.999.1"]}
        client_may:
          - {domain: ICC1, names: [SP_1], rights: [read, write]}
          - {domain: ICC1, names: ["PT_*"], rights: [read]}
    detections: *few
  - id: 4  # strangers are not let in again
    name: shunned
    default: pass
    unknown_peer: quarantine
    quarantine_s: 300
    peers:
      - name: lab
        client: {tsap: ["0001"]}
  - id: 5  # everything is allowed, but not everything that is odd
    name: stern
    default: pass
    peers:
      - name: lab
        client_may:
          - {domain: ICC1, names: ["BRK*"], rights: [select, operate, tag]}
        points:
          - {domain: ICC1, names: ["PT_*"], max: 500, action: deny}
    detections:
      operate-without-select: {action: deny}
      "620304": {action: deny, count: 3, seconds: 600}
      "620801": {action: deny, seconds: 0}
      response-oversized: {action: deny}
      dangerous-service: {action: reset}
      cotp-unexpected: {action: quarantine}
      service-not-negotiated: {enabled: false}
  - id: 6  # what cannot be read passes, and what is not ICCP is soon left alone
    name: lenient
    on_undecodable: pass
    ignore_after: 400
"""
