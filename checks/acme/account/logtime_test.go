package account

import (
	"testing"
	"time"
)

// TestLineTime reads dates as the two clients write them.
func TestLineTime(t *testing.T) {
	for line, want := range map[string]string{
		"2026-11-21 14:34:41,311:DEBUG:acme.client:Received response:": "2026-11-21 14:34:41",
		"[Sat Nov 21 14:34:01 UTC 2026] Le_LinkOrder='x'":              "2026-11-21 14:34:01",
		"[Sun Nov  1 04:34:01 MSK 2026] Le_LinkOrder='x'":              "2026-11-01 04:34:01",
		"[Sat 21 Nov 2026 02:34:01 PM UTC] Le_LinkOrder='x'":           "2026-11-21 02:34:01",
		"[Сб 21 ноя 2026 14:34:01 MSK] Le_LinkOrder='x'":               "2026-11-21 14:34:01",
		"[Пт мая  1 14:34:01 MSK 2026] Le_LinkOrder='x'":               "2026-05-01 14:34:01",
		"[Сб. нояб. 21 14:34:01 MSK 2026] Le_LinkOrder='x'":            "2026-11-21 14:34:01",
		"[2026] is no date at all":                                     "",
		"[Sat Nov 99 14:34:01 UTC 2026] nor is this":                   "",
		"2026-11-21T14:34:41Z, in another form":                        "",
		`  "expires": "2026-11-22T14:33:38Z",`:                         "",
		"":                                                             "",
	} {
		got := ""
		if at := lineTime([]byte(line)); !at.IsZero() {
			got = at.Format(time.DateTime)
		}
		if got != want {
			t.Errorf("%q is of %q, want %q", line, got, want)
		}
	}
}
