package reports

import "time"

// DayPoints are the last days of a history, the oldest first: each as of the
// beginning of its next day, in the zone of the moment given, the last as of
// that moment.
func DayPoints(h History, now time.Time, days int) []DayPoint {
	ends := make([]time.Time, days+1) // the first is the day before, to compare with
	ends[days] = now
	for i := range days {
		ends[i] = time.Date(now.Year(), now.Month(), now.Day()-(days-1-i), 0, 0, 0, 0, now.Location())
	}
	points := make([]DayPoint, days)
	for i := range points {
		points[i] = DayPoint{At: ends[i+1], Known: !h.last(ends[i+1], ends[i]).IsZero()}
	}
	for _, spells := range bySite(h.Spells) {
		for i := range points {
			was, is := at(spells, ends[i]), at(spells, ends[i+1])
			switch {
			case is != nil && was == nil:
				points[i].Added++
			case is == nil && was != nil && was.End == EndFixed:
				points[i].Fixed++
			}
			if is != nil {
				points[i].Open++
			}
		}
	}
	return points
}

// Today is the last point of the digest's chart: what its words say, lest the
// two tell different numbers of the same day.
func (d Day) Today(p DayPoint) DayPoint {
	mv := d.Movement()
	p.Open = mv.Now
	if d.Comparable() {
		p.Added, p.Fixed = mv.Opened, mv.Fixed
	}
	return p
}
