package reports

import (
	"slices"

	"domovoy/checks"
)

// Warned reports whether a count is the reason of a warning.
func (s Server) Warned() bool {
	return slices.ContainsFunc(s.Readings, func(r Reading) bool { return r.Severity == checks.Warning })
}

// Worst is the server's worst severity: of its counts, of what was found of
// it as a whole, or of not being able to count.
func (s Server) Worst() checks.Severity {
	if s.Trouble != "" {
		return checks.Critical
	}
	worst := checks.Healthy
	for _, r := range s.Readings {
		worst = max(worst, r.Severity)
	}
	for _, f := range s.Findings("") {
		worst = max(worst, f.Severity)
	}
	return worst
}
