package config

import (
	"fmt"
	"testing"
	"time"
)

func TestCron(t *testing.T) {
	monday := time.Date(2026, time.November, 16, 8, 30, 0, 0, time.UTC)
	for _, c := range []struct{ spec, want string }{
		{"0 9 * * *", "09:00 09:00 09:00"},
		{"*/20 * * * *", "08:40 09:00 09:20"},
		{"0 9 * * mon-fri", "09:00 09:00 09:00"},
		{"@daily", "00:00 00:00 00:00"},
		{"@every 5m", "08:35 08:40 08:45"},
		{"0 9 * *", "config.cron.fields"},
		{"0 0 9 * * *", "config.cron.fields"},
		{"0 9 * * 7", "config.cron"},
		{"61 9 * * *", "config.cron"},
		{"0 9 * * пн", "config.cron"},
		{"@reboot", "config.cron"},
		{"@", "config.cron"},
		{"@every 0s", "config.cron.every"},
		{"@every -5m", "config.cron.every"},
		{"@every 999ms", "config.cron.every"},
		{"@every", "config.cron"},
		{"0 0 30 2 *", "config.cron.never"},
		{"CRON_TZ=Europe/Moscow", "config.cron.zone"}, // robfig/cron panics
		{"TZ=UTC 0 9 * * *", "config.cron.zone"},
		{"0 9 L * *", "config.cron"},
	} {
		t.Run(c.spec, func(t *testing.T) {
			value, p := readCron(field{}, scalar{raw: c.spec, text: c.spec})
			got := ""
			if p != nil {
				got = p.key
			} else {
				for i, run := range NextRuns(value.(Cron), time.UTC, monday, 3) {
					if i > 0 {
						got += " "
					}
					got += run.Format("15:04")
				}
			}
			if got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestNextRunsInAnotherZone(t *testing.T) {
	value, _ := readCron(field{}, scalar{text: "0 9 * * *"})
	zone := time.FixedZone("MSK", 3*3600)
	now := time.Date(2026, time.November, 16, 5, 59, 0, 0, time.UTC)
	got := fmt.Sprint(NextRuns(value.(Cron), zone, now, 2))
	if want := "[2026-11-16 09:00:00 +0300 MSK 2026-11-17 09:00:00 +0300 MSK]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if runs := NextRuns(Cron{}, zone, now, 3); runs != nil {
		t.Error("no schedule runs at", runs)
	}
}

func TestDuration(t *testing.T) {
	for text, want := range map[string]string{
		"4h": "4h0m0s", "90m": "1h30m0s", "180d": "4320h0m0s", "1d12h": "36h0m0s", "0d": "no", "d": "no", "-1d": "no",
		"1w": "no", "": "no", "4": "no", "1h1d": "no", "1.5d": "no", "99999d": "no", "4 h": "no", "0": "0s", "-4h": "-4h0m0s",
	} {
		d, ok := duration(text)
		got := d.String()
		if !ok {
			got = "no"
		}
		if got != want {
			t.Errorf("%q is %s, want %s", text, got, want)
		}
	}
}

func TestShare(t *testing.T) {
	for text, want := range map[string]string{
		"7/90": "0.0778", "8%": "0.0800", "0.08": "0.0800", "1 / 3": "0.3333", "100%": "no", "0": "no", "7/0": "no",
		"-1%": "no", "1/2/3": "no", "NaN": "no", "inf/inf": "no", "%": "no", "/": "no", "7": "no",
	} {
		value, p := readShare(field{}, scalar{text: text})
		got := "no"
		if p == nil {
			got = fmt.Sprintf("%.4f", value)
		}
		if got != want {
			t.Errorf("%q is %s, want %s", text, got, want)
		}
	}
}

func TestHours(t *testing.T) {
	for text, want := range map[string]Hours{"22:00-08:00": {22 * 60, 8 * 60}, "00:30–06:15": {30, 6*60 + 15}, "13:00 - 14:00": {13 * 60, 14 * 60}} {
		got, p := readHours(field{}, scalar{text: text})
		if p != nil || got != want {
			t.Errorf("%s: got %v, %v", text, got, p)
		}
	}
	for _, text := range []string{"22-8", "22:00", "24:00-08:00", "22:00-8:00", "08:00-08:00", "22:60-08:00"} {
		if got, p := readHours(field{}, scalar{text: text}); p == nil {
			t.Errorf("%s: got %v", text, got)
		}
	}
}

func TestSimilar(t *testing.T) {
	known := []string{"language", "timezone", "digest", "warn", "id"}
	for word, want := range map[string]string{
		"digset": "digest", "langauge": "language", "wran": "warn", "timezon": "timezone", "ID": "", "xy": "", "weekly": "",
	} {
		if got := similar(word, known); got != want {
			t.Errorf("%q looks like %q, want %q", word, got, want)
		}
	}
}
