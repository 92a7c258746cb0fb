package checks

import "maps"

// PlaceArg is the argument of a finding from the CA's text that says whose
// address the CA came to, one of the Place values as a string. Texts test it.
const PlaceArg = "place"

// Values of PlaceArg.
const (
	PlaceOurs      = "ours"
	PlaceProxy     = "proxy"     // of a CDN or a proxy, named by the argument "proxy"
	PlaceElsewhere = "elsewhere" // of others
)

// MovedArg is the argument, true, of a finding whose address was of others when
// the CA came and whose name points to us now.
const MovedArg = "moved"

// Cloudflare is the owner of the statuses that no other server gives.
const Cloudflare = "Cloudflare"

// OfCloudflare reports whether a status is Cloudflare's own, about its connection
// to the server behind it (developers.cloudflare.com, "Cloudflare 5xx errors").
func OfCloudflare(status int) bool { return status >= 520 && status <= 530 }

// BehindProxy is who mends a request that failed behind a CDN or a proxy with
// this status; 0: it had none. Where the CDN gets no connection or no proper
// answer from our server, our firewall or web server is the cause; that it does
// not accept our certificate (525, 526), does not find us (523, 530), or answers
// by a rule is decided in the customer's settings there.
func BehindProxy(status int) Who {
	switch status {
	case 520, 521, 522, 524:
		return Us
	}
	return Customer
}

// attributable are the codes of failures that depend on whose address it was.
func attributable(c Code) bool {
	return c == CAUnauthorized || c == CAConnection || c == CATLS || c == CARemote
}

// OwnArg is the argument of a finding about a zone that names those of its
// servers that are on our addresses: then the zone is ours to mend.
const OwnArg = "own"

// Attribute completes a verdict from the CA's text by what the probe saw: where
// the site's own name points now, and who keeps its zone. The text alone may not
// name the address, and an address of others may be one of the past. It returns
// other verdicts unchanged. Nothing that the given verdict or the probe refers to
// is modified.
func (v Verdict) Attribute(p Probe) Verdict {
	if v.Finding.Code == v.Code && p.Own != "" && ofServers(v.Finding) {
		args := maps.Clone(v.Finding.Args)
		args[OwnArg], args[WhoArg] = p.Own, string(Us)
		v.Finding.Args = args
		return v
	}
	points, proxy := p.Points()
	return v.addressed(points, proxy)
}

// ofServers reports whether a finding from the CA's text is about how the servers
// of a zone answer, not about what is in the zone.
func ofServers(f Finding) bool {
	challenge, _ := f.Args["challenge"].(string)
	if f.Name != "" || challenge != "" && challenge != "http-01" {
		return false
	}
	switch f.Code {
	case CARemote:
		return f.Args["inner"] == string(CADNS) || f.Args["inner"] == string(CACAA)
	case CADNS:
		return f.Args["problem"] != "NXDOMAIN" && f.Args["problem"] != "noaddress" && f.Args != nil
	}
	return false
}

// addressed completes a verdict by where the site's own name points now.
func (v Verdict) addressed(points Pointing, proxy string) Verdict {
	if !attributable(v.Code) || v.Finding.Code != v.Code {
		return v
	}
	challenge, _ := v.Finding.Args["challenge"].(string)
	place, _ := v.Finding.Args[PlaceArg].(string)
	problem := v.Finding.Args["problem"]
	if challenge != "" && challenge != "http-01" || problem == "unproven" || v.Finding.Name != "" {
		return v
	}
	_, addressed := v.Finding.Args["address"]
	args := maps.Clone(v.Finding.Args)
	if args == nil {
		args = Args{}
	}
	switch {
	case v.Code == CARemote && (points != PointsOurs || place != PlaceElsewhere):
		return v // the other validators may not have come as far as to any address
	case points == PointsProxied && place == "":
		status, _ := args["status"].(int)
		args[PlaceArg], args["proxy"], args[WhoArg] = PlaceProxy, proxy, string(BehindProxy(status))
	case points == PointsOurs && place == PlaceElsewhere:
		args[MovedArg], args[WhoArg] = true, string(Us)
	case points == PointsOurs && place == "" && !addressed && problem != "loop" && problem != "redirect":
		args[PlaceArg], args[WhoArg] = PlaceOurs, string(Us)
	default:
		return v
	}
	v.Finding.Args = args
	return v
}

// Points is where the probe saw the site's own name point, and whose proxy that
// is; PointsUnknown: its DNS was not looked up, or not with success, or the name
// has a fault that is a finding of its own.
func (p Probe) Points() (points Pointing, proxy string) {
	points = PointsUnknown
	for _, name := range p.Checks {
		if name == NamesCheck {
			points = PointsOurs
		}
	}
	for i := range p.Failures {
		if p.Failures[i].Check == NamesCheck {
			return PointsUnknown, ""
		}
	}
	for i := range p.Findings {
		f := &p.Findings[i]
		switch {
		case f.Check != NamesCheck || f.Name != "":
		case f.Code == DNSProxied:
			proxy, _ = f.Args["proxy"].(string)
			return PointsProxied, proxy
		case f.Severity > Info:
			return PointsUnknown, ""
		}
	}
	return points, ""
}
