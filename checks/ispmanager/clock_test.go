package ispmanager

import (
	"fmt"
	"testing"
	"time"
)

func zoneOf(t testing.TB, name string) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func TestDates(t *testing.T) {
	for _, c := range []struct{ zone, text, want string }{ // want: RFC 3339 in UTC; empty: unreadable
		{"UTC", "2026-11-21 14:05:07", "2026-11-21T14:05:07Z"},
		{"Europe/Moscow", "2026-11-21 14:05:07", "2026-11-21T11:05:07Z"},
		{"Etc/GMT+5", "2026-11-21 14:05:07", "2026-11-21T19:05:07Z"},
		{"Europe/Moscow", "2026-11-21", "2026-11-20T21:00:00Z"},
		{"Europe/Moscow", "2026-11-21T14:05:07", "2026-11-21T11:05:07Z"},
		{"Europe/Moscow", " 2026-11-21 14:05 ", "2026-11-21T11:05:00Z"},
		{"Europe/Moscow", "2026-11-21 14:05:07.123456", "2026-11-21T11:05:07Z"},
		{"Europe/Moscow", "2026-11-21T14:05:07Z", "2026-11-21T14:05:07Z"},
		{"Europe/Moscow", "2026-11-21 14:05:07 -0500", "2026-11-21T19:05:07Z"},
		{"Europe/Moscow", "2026-11-21 14:05:07.5+05:30", "2026-11-21T08:35:07Z"},
		{"Europe/Moscow", "1795262400", "2026-11-21T12:00:00Z"},
		{"Europe/Moscow", "1795262400.0", "2026-11-21T12:00:00Z"},
		{"Europe/Moscow", "1795262400123", "2026-11-21T12:00:00Z"},
		{"UTC", "2024-02-29 00:00:00", "2024-02-29T00:00:00Z"},
		{"UTC", "1990-01-01 00:00:00", "1990-01-01T00:00:00Z"},
		{"UTC", "2100-12-31 23:59:59", "2100-12-31T23:59:59Z"},

		// Berlin went back from 03:00 to 02:00 on 25 October: the first 02:30.
		{"Europe/Berlin", "2026-10-25 01:59:59", "2026-10-24T23:59:59Z"},
		{"Europe/Berlin", "2026-10-25 02:30:00", "2026-10-25T00:30:00Z"},
		{"Europe/Berlin", "2026-10-25 03:00:00", "2026-10-25T02:00:00Z"},
		// It went from 02:00 to 03:00 on 29 March: 02:30 was never shown.
		{"Europe/Berlin", "2026-03-29 01:59:59", "2026-03-29T00:59:59Z"},
		{"Europe/Berlin", "2026-03-29 02:30:00", "2026-03-29T01:30:00Z"},
		{"Europe/Berlin", "2026-03-29 03:00:00", "2026-03-29T01:00:00Z"},

		{"UTC", "", ""}, {"UTC", nullMark, ""}, {"UTC", "0000-00-00 00:00:00", ""}, {"UTC", "0000-00-00", ""},
		{"UTC", "1989-12-31 23:59:59", ""}, {"UTC", "2101-01-01", ""}, {"UTC", "2026-02-29", ""}, {"UTC", "2026-13-01", ""},
		{"UTC", "2026-11-21 24:00:00", ""}, {"UTC", "2026-11-21 12:60:00", ""}, {"UTC", "2026-11-21 1:00:00", ""},
		{"UTC", "2026-11-21 12:00:00 MSK", ""}, {"UTC", "2026-11-21 12:00:00+99:00", ""}, {"UTC", "2026-11-2112:00", ""},
		{"UTC", "0", ""}, {"UTC", "-1", ""}, {"UTC", "42", ""}, {"UTC", "99999999999", ""}, {"UTC", "1e9", ""},
		{"UTC", "20261121120000", ""}, {"UTC", "9223372036854775807", ""}, {"UTC", "yesterday", ""}, {"UTC", "21.11.2026", ""},
	} {
		got, ok := (&clock{zone: zoneOf(t, c.zone)}).parse(c.text)
		want := time.Time{}
		if c.want != "" {
			want, _ = time.Parse(time.RFC3339, c.want)
		}
		if ok != (c.want != "") || !got.Truncate(time.Second).Equal(want) {
			t.Errorf("%q in %s: %v %v, want %q", c.text, c.zone, got, ok, c.want)
		}
	}
}

// The cached offset must be right for every time: one clock parses every hour
// of two years, forwards and backwards.
func TestTheClockRemembersNoWrongOffset(t *testing.T) {
	for _, name := range []string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo", "Europe/Moscow", "Asia/Tehran"} {
		zone := zoneOf(t, name)
		c := &clock{zone: zone}
		begin := time.Date(2022, 1, 1, 0, 0, 0, 0, time.UTC)
		for i := range 2 * 2 * 366 * 24 {
			at := begin.Add(time.Duration(i) * time.Hour)
			if i > 2*366*24 {
				at = begin.Add(time.Duration(4*366*24-i) * time.Hour)
			}
			text := at.In(zone).Format(time.DateTime)
			got, ok := c.parse(text)
			if !ok || got.In(zone).Format(time.DateTime) != text {
				t.Fatalf("%s: %s was read as %v", name, text, got)
			}
			if !got.Equal(at) && !got.Equal(at.Add(-time.Hour)) && !got.Equal(at.Add(-30*time.Minute)) {
				t.Fatalf("%s: %s was read as %v, want the first of two hours at most", name, text, got)
			}
		}
	}
}

func FuzzDate(f *testing.F) {
	for _, text := range []string{"2026-11-21 14:05:07", "2026-03-29T02:30:00.5+03:00", "1795262400", "0000-00-00 00:00:00", "2026-11-21 1"} {
		f.Add(text)
	}
	zone := zoneOf(f, "Europe/Berlin")
	f.Fuzz(func(t *testing.T, text string) {
		got, ok := (&clock{zone: zone}).parse(text)
		if ok == got.IsZero() {
			t.Fatalf("%q: %v %v", text, got, ok)
		}
		if year := got.Year(); ok && (year < firstYear-1 || year > lastYear+1) {
			t.Fatalf("%q: year %d", text, year)
		}
		plain, err := time.ParseInLocation(time.DateTime, text, zone)
		if err == nil && len(text) == len(time.DateTime) && plain.Year() >= firstYear && plain.Year() <= lastYear {
			if !ok || got.Sub(plain).Abs() > time.Hour {
				t.Fatalf("%q: %v %v, want %v", text, got, ok, plain)
			}
		}
	})
}

func TestStems(t *testing.T) {
	for name, want := range map[string]string{
		"a.example_le1": "a.example", "a.example_LE10": "a.example", "пример.рф_le2": "пример.рф", "a_le1_le2": "a_le1", "_le1": "",
		"a.example": "a.example", "a.example_le": "a.example_le", "a.example_le1x": "a.example_le1x", "a_bc1": "a_bc1", "": "",
	} {
		if got, cut := stem(name); got != want || cut != (got != name) {
			t.Errorf("%q: %q %v, want %q", name, got, cut, want)
		}
	}
}

func BenchmarkDate(b *testing.B) {
	c := &clock{zone: zoneOf(b, "Europe/Berlin")}
	texts := make([]string, 1000)
	for i := range texts {
		texts[i] = fmt.Sprintf("2026-11-%02d 14:%02d:07", 1+i%28, i%60)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, ok := c.parse(texts[i%1000]); !ok {
			b.Fatal(texts[i%1000])
		}
	}
}
