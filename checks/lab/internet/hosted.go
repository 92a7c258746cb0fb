package internet

import "strings"

// Hosted returns a situation of a healthy site of any name, without aliases.
// The zone's records may differ: lines of a zone file in which %us is our
// address; empty: an A record with it; "none": the name does not exist. The registry may answer WHOIS with a
// text of its own; empty: registered and paid for.
func Hosted(name, zone, whois string) Situation {
	steps := []step{about(name), records("@ A %us")}
	switch strings.TrimSpace(zone) {
	case "":
	case "none":
		steps[1] = undelegated
	default:
		steps[1] = records(zone)
	}
	return row("the site "+name, "-", "ok", append(steps, registered(func(r *Registration) { r.Raw = whois }))...)
}
