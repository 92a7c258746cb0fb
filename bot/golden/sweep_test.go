package golden

import (
	"time"

	"domovoy/checks"
	"domovoy/reports"
	"domovoy/reports/compose"
)

// sweepCases are a sweep that somebody asked for, from its beginning to each
// of its ends.
func sweepCases() map[string]message {
	codes := map[checks.Code]int{checks.OK: 3316, checks.DNSElsewhere: 52, checks.DNSPartly: 3, checks.DNSUnregistered: 19, checks.WebTimeout: 14, checks.Unknown: 8}
	return map[string]message{
		"sweep.begun":   func(w compose.Writer) reports.Message { return w.SweepBegun(3412) },
		"sweep.under":   func(w compose.Writer) reports.Message { return w.Sweeping("12", 312, 3412) },
		"sweep.stopped": func(w compose.Writer) reports.Message { return w.SweepStopped(312, 3412) },
		"sweep.done": func(w compose.Writer) reports.Message {
			return w.Swept(compose.Swept{Domains: 3412, ByCode: codes, Took: 4*time.Minute + 12*time.Second})
		},
		"sweep.well": func(w compose.Writer) reports.Message {
			return w.Swept(compose.Swept{Domains: 21, ByCode: map[checks.Code]int{checks.OK: 21}, Took: 3 * time.Second})
		},
	}
}
