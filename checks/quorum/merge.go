package quorum

import (
	"maps"
	"slices"
	"strings"

	"domovoy/checks"
)

// Look is the probe of a site from one vantage point.
type Look struct {
	From  checks.Vantage
	Probe checks.Probe
	Blind checks.Blind // why it does not count; SightGood if it does
}

// The arguments of findings that several vantage points made: places, as in
// checks.Vantage.String. A finding that rests on one look alone has none.
const (
	ReachedArg = "reached" // of those that get through
	MissedArg  = "missed"  // of those that do not
	AbsentArg  = "absent"  // of those that could not look; not set if there are none
	NamesArg   = "names"   // true if those that do not get through fail in DNS
)

// PatternVantages is the argument "pattern" of web.flapping if it is the vantage
// points that come and go.
const PatternVantages = "vantages"

// Merge makes one probe of a site of those from several vantage points, of which
// the first that counts leads: what is not of the names and the way to them is
// taken from it as far as it looked. before is the merged probe of the round
// before. Nothing that a look refers to is modified. One look alone is returned
// as it is.
func (r Rule) Merge(site *checks.Site, looks []Look, before checks.Probe) checks.Probe {
	m := merger{rule: r, server: site.Server, site: site.Name, looks: looks, before: before}
	for _, l := range looks {
		if l.Blind == checks.SightGood {
			m.counted = append(m.counted, l)
		}
	}
	switch {
	case len(looks) == 1 && len(m.counted) == 1:
		return looks[0].Probe
	case len(m.counted) == 0:
		m.nobody()
		return m.out
	}
	m.names()
	m.rest()
	m.out.Sights = m.sights("")
	return m.out
}

// merger merges the looks at one site.
type merger struct {
	rule    Rule
	server  string
	site    string
	looks   []Look // all of them
	counted []Look
	before  checks.Probe

	out     checks.Probe
	verdict map[string]Verdict // by name
}

// nobody is the result if no look counts.
func (m *merger) nobody() {
	m.out = checks.Probe{Checks: []string{checks.NamesCheck}, Sights: m.sights("")}
	for _, l := range m.looks {
		if m.out.At.IsZero() || l.Probe.At.Before(m.out.At) && !l.Probe.At.IsZero() {
			m.out.At = l.Probe.At
		}
	}
	m.out.Failures = []checks.Failure{m.failure(checks.Failure{Check: checks.NamesCheck, Err: "no vantage point could look: " + m.reasons()})}
}

// failure is one of the site.
func (m *merger) failure(f checks.Failure) checks.Failure {
	f.Server, f.Site = m.server, m.site
	return f
}

// reasons lists for an expert why looks do not count.
func (m *merger) reasons() string {
	var all []string
	for _, l := range m.looks {
		all = append(all, l.From.String()+" "+string(l.Blind))
	}
	return strings.Join(all, ", ")
}

// Sights are what the looks saw of one of the site's names, "" for its own.
func Sights(looks []Look, name string) []checks.Sight {
	sights := make([]checks.Sight, len(looks))
	for i, l := range looks {
		sights[i] = checks.Sight{From: l.From, Code: checks.Unknown, Blind: l.Blind}
		if l.Blind != checks.SightGood {
			continue
		}
		if sights[i].Code = outcome(l.Probe, name); sights[i].Code == checks.Unknown {
			sights[i].Blind = checks.BlindName
		}
	}
	if code := unserved(looks, sights, name); code != "" {
		for i := range sights {
			if sights[i].Code == checks.OK {
				sights[i].Code = code
			}
		}
	}
	return sights
}

// unserved is the code of a look that had a file placed and did not get it, though it
// was answered; empty: there is none. Who looks from elsewhere asks for a file that is
// not there, and takes the same answer for a good one.
func unserved(looks []Look, sights []checks.Sight, name string) checks.Code {
	for i, s := range sights {
		if s.Blind != checks.SightGood || s.Code != checks.WebNotFound && s.Code != checks.WebBody {
			continue
		}
		if slices.ContainsFunc(looks[i].Probe.Findings, func(f checks.Finding) bool {
			placed, _ := f.Args["placed"].(bool)
			return f.Name == name && f.Check == checks.WayCheck && f.Code == s.Code && placed
		}) {
			return s.Code
		}
	}
	return ""
}

func (m *merger) sights(name string) []checks.Sight { return Sights(m.looks, name) }

// outcome is whether the CA could validate a name as a probe saw it: OK, or the
// cause. Unknown: that was not seen.
func outcome(p checks.Probe, name string) checks.Code {
	if !slices.Contains(p.Checks, checks.NamesCheck) {
		return checks.Unknown
	}
	var found []checks.Finding
	for _, f := range p.Findings {
		if f.Name == name && ofWay(f.Check) {
			f.Name = ""
			found = append(found, f)
		}
	}
	var failed []checks.Failure
	for _, f := range p.Failures {
		if f.Name == name && ofWay(f.Check) {
			failed = append(failed, f)
		}
	}
	v := checks.Judge(found, failed)
	if v.Code == checks.OK && len(failed) > 0 {
		return checks.Unknown // it was not requested, because of what another name showed
	}
	return v.Code
}

// ofWay reports whether a check is one of a name or of the way to it.
func ofWay(check string) bool { return check == checks.NamesCheck || check == checks.WayCheck }

// names merges what was seen of each name.
func (m *merger) names() {
	m.verdict = map[string]Verdict{}
	own := m.name("")
	for _, l := range m.counted {
		for _, f := range l.Probe.Findings {
			m.alias(f.Name)
		}
		for _, f := range l.Probe.Failures {
			m.alias(f.Name)
		}
	}
	if own.Looks() > 1 {
		m.out.Checks = append(m.out.Checks, checks.VantageCheck)
	}
}

func (m *merger) alias(name string) {
	if _, done := m.verdict[name]; !done {
		m.name(name)
	}
}

// name merges what was seen of one name.
func (m *merger) name(name string) Verdict {
	sights := m.sights(name)
	v := m.rule.Judge(sights, partsOf(m.before, name))
	m.verdict[name] = v
	if v.Looks() < 2 && open(m.before, name) { // whether that is over was not seen
		m.out.Failures = append(m.out.Failures, m.failure(checks.Failure{Check: checks.VantageCheck, Name: name, Err: "fewer than two vantage points could look", Seen: true}))
	}
	saw := func(code checks.Code) *Look {
		for i, s := range sights {
			if s.Blind == checks.SightGood && s.Code == code && outcome(m.looks[i].Probe, name) == code {
				return &m.looks[i]
			}
		}
		return nil
	}
	switch l := saw(v.Code); {
	case v.Code == checks.Unknown:
		m.take(&m.counted[0], name, v)
	case l != nil: // fine, or what the CA would fail at
		m.take(l, name, v)
	default: // between them
		m.take(saw(checks.OK), name, v)
		m.out.Findings = append(m.out.Findings, m.between(sights, name, v))
	}
	return v
}

// take adds what a look saw of a name. A cause says who saw it.
func (m *merger) take(l *Look, name string, v Verdict) {
	for _, f := range l.Probe.Findings {
		if f.Name != name || !ofWay(f.Check) {
			continue
		}
		if f.Code == v.Code && f.Severity > checks.Info && v.Looks() > 1 {
			f.Args = v.args(f.Args)
		}
		m.out.Findings = append(m.out.Findings, f)
	}
	for _, f := range l.Probe.Failures {
		if f.Name == name && ofWay(f.Check) {
			m.out.Failures = append(m.out.Failures, f)
		}
	}
}

// args adds who saw what to arguments, of which it makes a copy.
func (v Verdict) args(a checks.Args) checks.Args {
	args := checks.Args{ReachedArg: v.Reached, MissedArg: v.Missed}
	maps.Copy(args, a)
	if len(v.Absent) > 0 {
		args[AbsentArg] = v.Absent
	}
	return args
}

// between is the finding about a name that some reach and some do not.
func (m *merger) between(sights []checks.Sight, name string, v Verdict) checks.Finding {
	f := checks.Finding{Check: checks.VantageCheck, Server: m.server, Site: m.site, Name: name, Code: v.Code, Severity: v.Code.Severity(), Args: v.args(nil)}
	if v.Code == checks.WebFlapping {
		f.Args["pattern"] = PatternVantages
	}
	var said []string
	names, proxied := true, false
	for i, s := range sights {
		if s.Blind != checks.SightGood || s.Code == checks.OK {
			continue
		}
		names = names && strings.HasPrefix(string(s.Code), "dns.")
		for _, seen := range m.looks[i].Probe.Findings {
			switch {
			case seen.Name != name || !ofWay(seen.Check):
			case seen.Code == checks.DNSProxied:
				proxied = true
			case seen.Code == s.Code && seen.Severity > checks.Info:
				said = append(said, s.From.String()+": "+string(seen.Code)+" "+seen.Detail)
			}
		}
	}
	if names {
		f.Args[NamesArg] = true
	}
	if names || proxied {
		f.Args[checks.WhoArg] = string(checks.Customer) // their zone's servers, or the rules at their proxy
	}
	f.Detail = checks.Bound(strings.Join(said, "\n"))
	return f
}

// Disputed reports whether places saw different things of a name of a merged
// probe.
func Disputed(p checks.Probe) bool {
	return slices.ContainsFunc(p.Findings, func(f checks.Finding) bool {
		reached, _ := f.Args[ReachedArg].([]string)
		return len(reached) > 0
	})
}

// open reports whether the comparison found a problem of a name in an earlier
// round, and no round since could look again.
func open(p checks.Probe, name string) bool {
	return slices.ContainsFunc(p.Findings, func(f checks.Finding) bool { return f.Name == name && f.Check == checks.VantageCheck }) ||
		slices.ContainsFunc(p.Failures, func(f checks.Failure) bool { return f.Name == name && f.Check == checks.VantageCheck })
}

// Compares reports whether places saw different things of a name of a merged probe, or
// whether it is not known if they still do.
func Compares(p checks.Probe) bool {
	return Disputed(p) || slices.ContainsFunc(p.Failures, func(f checks.Failure) bool { return f.Check == checks.VantageCheck })
}

// Fine reports whether a probe from one place saw nothing that another should look at,
// too: every name was looked at, and the CA could validate it.
func Fine(p checks.Probe) bool {
	return slices.Contains(p.Checks, checks.NamesCheck) && p.Verdict().Code == checks.OK &&
		!slices.ContainsFunc(p.Failures, func(f checks.Failure) bool { return ofWay(f.Check) })
}

// partsOf is who reached a name in an earlier round.
func partsOf(p checks.Probe, name string) Parts {
	for _, f := range p.Findings {
		reached, _ := f.Args[ReachedArg].([]string)
		missed, _ := f.Args[MissedArg].([]string)
		if f.Name == name && len(missed) > 0 {
			return Parts{reached, missed}
		}
	}
	return Parts{}
}

// rest adds what the other checks found, each from the first look that ran it,
// and what else is known of the site.
func (m *merger) rest() {
	lead := m.counted[0].Probe
	m.out.At, m.out.Served, m.out.Own = lead.At, lead.Served, lead.Own
	from := map[string]int{}
	for i, l := range m.counted {
		for _, check := range l.Probe.Checks {
			if _, taken := from[check]; !taken {
				from[check] = i
				m.out.Checks = append(m.out.Checks, check)
			}
		}
		if !m.out.Served.Known() {
			m.out.Served = l.Probe.Served
		}
		if m.out.Own == "" {
			m.out.Own = l.Probe.Own
		}
	}
	for i, l := range m.counted {
		for _, f := range l.Probe.Findings {
			if !ofWay(f.Check) && from[f.Check] == i && m.stands(f) {
				m.out.Findings = append(m.out.Findings, f)
			}
		}
		for _, f := range l.Probe.Failures {
			if !ofWay(f.Check) && from[f.Check] == i {
				m.out.Failures = append(m.out.Failures, f)
			}
		}
	}
}

// stands reports whether a finding of another check is not contradicted: what a
// registry says of a domain that does not exist explains a fault of its name, and
// is no cause where others get through.
func (m *merger) stands(f checks.Finding) bool {
	if !strings.HasPrefix(string(f.Code), "dns.") || f.Severity <= checks.Info {
		return true
	}
	code := m.verdict[f.Name].Code
	return strings.HasPrefix(string(code), "dns.") || code == checks.Unknown
}
