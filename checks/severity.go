package checks

import "fmt"

// Severity orders troubles. Its text form is part of the JSON contract.
type Severity int

// Severities, mildest first; the zero value is Healthy.
const (
	Healthy Severity = iota
	Info
	Warning
	Critical
)

// String is "ok", "info", "warning" or "critical".
func (s Severity) String() string {
	switch s {
	case Healthy:
		return "ok"
	case Info:
		return "info"
	case Warning:
		return "warning"
	case Critical:
		return "critical"
	}
	return fmt.Sprintf("severity(%d)", int(s))
}

// MarshalText writes the form of String.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the form of String.
func (s *Severity) UnmarshalText(text []byte) error {
	for _, known := range []Severity{Healthy, Info, Warning, Critical} {
		if known.String() == string(text) {
			*s = known
			return nil
		}
	}
	return fmt.Errorf("unknown severity %q", text)
}
