package canary_test

import (
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/robfig/cron/v3"

	"domovoy/bot/canary"
)

// TestDaily is when test alarms are due, by the schedule of the digest.
func TestDaily(t *testing.T) {
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, digest, after, due string }{
		{"with the digest", "0 9 * * *", "2026-11-27 08:00", "2026-11-27 09:00"},
		{"the next day", "0 9 * * *", "2026-11-27 09:00", "2026-11-28 09:00"},
		{"a digest on weekdays, on Friday", "0 9 * * 1-5", "2026-11-27 09:00", "2026-11-28 09:00"},
		{"on Saturday", "0 9 * * 1-5", "2026-11-28 08:00", "2026-11-28 09:00"},
		{"begun on Saturday afternoon", "0 9 * * 1-5", "2026-11-28 15:00", "2026-11-29 09:00"},
		{"a digest a month", "30 7 1 * *", "2026-11-27 12:00", "2026-11-28 07:30"},
		{"over the end of summer time", "0 9 * * 1", "2026-10-24 10:00", "2026-10-25 09:00"},
		{"two digests a day", "0 9,18 * * *", "2026-11-27 09:00", "2026-11-27 18:00"},
		{"no digest for long", "@every 1000h", "2026-11-27 12:00", "2026-11-28 04:00"},
		{"never a digest", "0 9 30 2 *", "2026-11-27 12:00", "2026-11-28 12:00"},
	} {
		digest, err := cron.ParseStandard(c.digest)
		if err != nil {
			t.Fatal(err)
		}
		after, err := time.ParseInLocation("2006-01-02 15:04", c.after, zone)
		if err != nil {
			t.Fatal(err)
		}
		if due := (canary.Daily{Digest: digest}).Next(after).Format("2006-01-02 15:04"); due != c.due {
			t.Errorf("%s: after %s due %s, want %s", c.name, c.after, due, c.due)
		}
	}
}
