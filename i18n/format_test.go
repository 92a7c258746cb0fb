package i18n

import (
	"math"
	"strings"
	"testing"
	"time"
)

// nb marks a no-break space in the tables below.
func nb(s string) string { return strings.ReplaceAll(s, "_", "\u00a0") }

func locale(tb testing.TB, language string) *Locale {
	tb.Helper()
	b, err := Load()
	if err != nil {
		tb.Fatal(err)
	}
	return b.Locale(language, time.FixedZone("MSK", 3*60*60))
}

func TestNumbers(t *testing.T) {
	en, ru := locale(t, "en"), locale(t, "ru")
	tests := []struct {
		name   string
		say    func(*Locale) string
		en, ru string
	}{
		{"number 0", func(l *Locale) string { return l.Number(0) }, "0", "0"},
		{"number 999", func(l *Locale) string { return l.Number(999) }, "999", "999"},
		{"number 3412", func(l *Locale) string { return l.Number(3412) }, "3,412", "3_412"},
		{"number 1234567", func(l *Locale) string { return l.Number(1234567) }, "1,234,567", "1_234_567"},
		{"number -1234", func(l *Locale) string { return l.Number(-1234) }, "−1,234", "−1_234"},
		{"change 3", func(l *Locale) string { return l.Change(3) }, "+3", "+3"},
		{"change -14", func(l *Locale) string { return l.Change(-14) }, "−14", "−14"},
		{"change 0", func(l *Locale) string { return l.Change(0) }, "±0", "±0"},
		{"change 1500", func(l *Locale) string { return l.Change(1500) }, "+1,500", "+1_500"},
		{"percent 0", func(l *Locale) string { return l.Percent(0) }, "0%", "0_%"},
		{"percent 0.13", func(l *Locale) string { return l.Percent(0.13) }, "13%", "13_%"},
		{"percent 1", func(l *Locale) string { return l.Percent(1) }, "100%", "100_%"},
		{"percent 1/3000", func(l *Locale) string { return l.Percent(1.0 / 3000) }, "<1%", "<1_%"},
		{"percent 2999/3000", func(l *Locale) string { return l.Percent(2999.0 / 3000) }, ">99%", ">99_%"},
		{"percent of nothing", func(l *Locale) string { return l.Percent(math.NaN()) }, "—", "—"},
		{"decimal 1.46", func(l *Locale) string { return l.decimal(1.46) }, "1.5", "1,5"},
		{"decimal infinite", func(l *Locale) string { return l.decimal(math.Inf(1)) }, "—", "—"},
	}
	for _, tt := range tests {
		if got := tt.say(en); got != nb(tt.en) {
			t.Errorf("%s in en = %q, want %q", tt.name, got, nb(tt.en))
		}
		if got := tt.say(ru); got != nb(tt.ru) {
			t.Errorf("%s in ru = %q, want %q", tt.name, got, nb(tt.ru))
		}
	}
}

func TestPlurals(t *testing.T) {
	tests := []struct {
		n      int
		en, ru string
	}{
		{0, "0 days", "0 дней"},
		{1, "1 day", "1 день"},
		{2, "2 days", "2 дня"},
		{5, "5 days", "5 дней"},
		{11, "11 days", "11 дней"},
		{12, "12 days", "12 дней"},
		{21, "21 days", "21 день"},
		{22, "22 days", "22 дня"},
		{101, "101 days", "101 день"},
		{111, "111 days", "111 дней"},
		{1000, "1,000 days", "1_000 дней"},
	}
	en, ru := locale(t, "en"), locale(t, "ru")
	for _, tt := range tests {
		if got := en.Count("age.days", tt.n); got != nb(tt.en) {
			t.Errorf("Count(%d) in en = %q, want %q", tt.n, got, nb(tt.en))
		}
		if got := ru.Count("age.days", tt.n); got != nb(tt.ru) {
			t.Errorf("Count(%d) in ru = %q, want %q", tt.n, got, nb(tt.ru))
		}
	}
	if got, want := ru.Count("list.more", 2), "…и ещё 2"; got != want {
		t.Errorf("Count of a text without forms = %q, want %q", got, want)
	}
}

func TestDates(t *testing.T) {
	// The zone is UTC+3, so that the day turns at 21:00 UTC.
	now := time.Date(2026, 11, 21, 6, 0, 0, 0, time.UTC)
	tests := []struct {
		at                         time.Time
		date, dateRU, when, whenRU string
	}{
		{time.Date(2026, 11, 21, 1, 12, 0, 0, time.UTC), "21 November", "21 ноября", "today at 04:12", "сегодня в 04:12"},
		{time.Date(2026, 11, 20, 21, 5, 0, 0, time.UTC), "21 November", "21 ноября", "today at 00:05", "сегодня в 00:05"},
		{time.Date(2026, 11, 20, 20, 59, 0, 0, time.UTC), "20 November", "20 ноября", "yesterday at 23:59", "вчера в 23:59"},
		{time.Date(2026, 11, 22, 12, 20, 0, 0, time.UTC), "22 November", "22 ноября", "tomorrow at 15:20", "завтра в 15:20"},
		{time.Date(2026, 10, 3, 1, 12, 0, 0, time.UTC), "3 October", "3 октября", "3 October at 04:12", "3 октября в 04:12"},
		{time.Date(2026, 12, 31, 21, 0, 0, 0, time.UTC), "1 January 2027", "1 января 2027", "1 January 2027 at 00:00", "1 января 2027 в 00:00"},
		{time.Date(2025, 11, 21, 1, 12, 0, 0, time.UTC), "21 November 2025", "21 ноября 2025", "21 November 2025 at 04:12", "21 ноября 2025 в 04:12"},
	}
	en, ru := locale(t, "en"), locale(t, "ru")
	for _, tt := range tests {
		for got, want := range map[string]string{
			en.Date(tt.at, now):     tt.date,
			ru.Date(tt.at, now):     tt.dateRU,
			en.DateTime(tt.at, now): tt.when,
			ru.DateTime(tt.at, now): tt.whenRU,
		} {
			if got != want {
				t.Errorf("%s: got %q, want %q", tt.at, got, want)
			}
		}
	}
	if got, want := ru.Clock(now), "09:00"; got != want {
		t.Errorf("Clock = %q, want %q", got, want)
	}
}

func TestAges(t *testing.T) {
	tests := []struct {
		age    time.Duration
		en, ru string
	}{
		{0, "less than a minute", "меньше минуты"},
		{59 * time.Second, "less than a minute", "меньше минуты"},
		{time.Minute, "1 min", "1 мин"},
		{59*time.Minute + 59*time.Second, "59 min", "59 мин"},
		{3 * time.Hour, "3 h", "3 ч"},
		{3*time.Hour + 12*time.Minute, "3 h 12 min", "3 ч 12 мин"},
		{-3*time.Hour - 12*time.Minute, "3 h 12 min", "3 ч 12 мин"},
		{day, "1 day", "1 день"},
		{day + 30*time.Minute, "1 day", "1 день"},
		{day + 4*time.Hour + 30*time.Minute, "1 day 4 h", "1 день 4 ч"},
		{2*day + 4*time.Hour, "2 days", "2 дня"},
		{12 * day, "12 days", "12 дней"},
		{1234 * day, "1,234 days", "1_234 дня"},
	}
	en, ru := locale(t, "en"), locale(t, "ru")
	for _, tt := range tests {
		if got := en.Age(tt.age); got != tt.en {
			t.Errorf("Age(%s) in en = %q, want %q", tt.age, got, tt.en)
		}
		if got := ru.Age(tt.age); got != nb(tt.ru) {
			t.Errorf("Age(%s) in ru = %q, want %q", tt.age, got, nb(tt.ru))
		}
	}
}

func TestList(t *testing.T) {
	tests := []struct {
		items  []string
		en, ru string
	}{
		{nil, "", ""},
		{[]string{"a"}, "a", "a"},
		{[]string{"a", "b"}, "a and b", "a и b"},
		{[]string{"a", "b", "c"}, "a, b and c", "a, b и c"},
	}
	en, ru := locale(t, "en"), locale(t, "ru")
	for _, tt := range tests {
		if got := en.List(tt.items); got != tt.en {
			t.Errorf("List(%q) in en = %q, want %q", tt.items, got, tt.en)
		}
		if got := ru.List(tt.items); got != tt.ru {
			t.Errorf("List(%q) in ru = %q, want %q", tt.items, got, tt.ru)
		}
	}
}
