package reports

import (
	"maps"
	"slices"

	"domovoy/checks"
)

// DownArg is the argument of a finding that says, if true, that the CA itself
// fails: what would be to do otherwise has to wait.
const DownArg = "down"

// Down reports whether the server's CA itself fails.
func (s Server) Down() bool {
	return slices.ContainsFunc(s.Outcome.Findings, func(f checks.Finding) bool { return f.Site == "" && f.Code == checks.CADown })
}

// WhileDown is a finding with the next step that holds while the CA itself
// fails: nobody re-issues a certificate or looks for the cause at a site.
func (s Server) WhileDown(f checks.Finding) checks.Finding {
	if !waitsForCA(f.Code) || !s.Down() {
		return f
	}
	f.Args = maps.Clone(f.Args)
	if f.Args == nil {
		f.Args = checks.Args{}
	}
	f.Args[DownArg], f.Args[checks.WhoArg] = true, string(checks.CA)
	return f
}

// waitsForCA reports whether a certificate from the CA is the remedy of a
// problem, or its absence the cause.
func waitsForCA(code checks.Code) bool {
	switch code {
	case checks.CertExpired, checks.CertExpiring, checks.CertOverdue, checks.PanelNoCertificate, checks.CAUnreachable, checks.CAInternal,
		checks.PanelFailed, checks.PanelFailing, checks.PanelProcessing, checks.PanelOverdue:
		return true
	}
	return false
}
