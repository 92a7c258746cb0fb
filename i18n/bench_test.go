package i18n

import "testing"

func BenchmarkSay(b *testing.B) {
	l := locale(b, "ru")
	for name, args := range map[string]Args{
		"strings": {"Date": "3 октября", "Clock": "04:12"},
		"numbers": {"Date": 1234567, "Clock": 12},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_ = l.Say("date.at", args)
			}
		})
	}
	b.Run("plain", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_ = l.Say("severity.critical")
		}
	})
}

func BenchmarkCount(b *testing.B) {
	l := locale(b, "ru")
	b.ReportAllocs()
	for b.Loop() {
		_ = l.Count("age.days", 127)
	}
}

func BenchmarkNumber(b *testing.B) {
	l := locale(b, "ru")
	b.ReportAllocs()
	for b.Loop() {
		_ = l.Number(1234567)
	}
}

// BenchmarkLoad reads one language, as each start of the program does.
func BenchmarkLoad(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		bundle, err := Load()
		if err != nil {
			b.Fatal(err)
		}
		_ = bundle.Locale("ru", nil).Say("severity.critical")
	}
}
