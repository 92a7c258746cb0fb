package lab

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// condition is a line of conditions.txt: how so many of the sample's sites are.
type condition struct {
	name              string
	sites             int
	record, file, log string
	youngest, oldest  int // days since the file was issued
}

func conditions() ([]condition, error) {
	_, lines, err := sections("conditions.txt")
	if err != nil {
		return nil, err
	}
	var all []condition
	for _, line := range lines[""] {
		var c condition
		_, err := fmt.Sscanf(line, "%s %d %s %s %d-%d %s", &c.name, &c.sites, &c.record, &c.file, &c.youngest, &c.oldest, &c.log)
		if err != nil {
			return nil, fmt.Errorf("conditions.txt: %q: %w", line, err)
		}
		all = append(all, c)
	}
	return all, nil
}

// deal gives every site of the sample its condition, well shuffled.
func deal(rng *rand.Rand) ([]condition, error) {
	all, err := conditions()
	if err != nil {
		return nil, err
	}
	var cards []condition
	for _, c := range all {
		for range c.sites {
			cards = append(cards, c)
		}
	}
	rng.Shuffle(len(cards), func(i, j int) { cards[i], cards[j] = cards[j], cards[i] })
	return cards, nil
}

func (c condition) active() bool   { return c.name != "inactive" && c.name != "parked" }
func (c condition) secure() bool   { return c.file != "-" || c.name == "noname" }
func (c condition) hasSite() bool  { return c.name != "orphan" }
func (c condition) selfMade() bool { return c.file == string(SelfSigned) && c.record == "-" }

// issued draws the moment when the file was made.
func (c condition) issued(rng *rand.Rand, now time.Time) time.Time {
	days := c.youngest + rng.IntN(c.oldest-c.youngest+1)
	return now.Add(-time.Duration(days)*24*time.Hour - within(rng, 0, 24*time.Hour))
}

// kind is the kind of file to write, and how long its certificate lives.
func (c condition) kind() (Kind, time.Duration) {
	const day = 24 * time.Hour
	switch c.file {
	case "bought":
		return Issued, 365 * day
	case string(SelfSigned):
		return SelfSigned, 365 * day
	default:
		return Kind(c.file), 90 * day
	}
}

// certificate is the row in letsencrypt_ssl, without names; last is the newest attempt, which may be none.
func (c condition) certificate(rng *rand.Rand, issued, last, now time.Time) Certificate {
	row := Certificate{Started: issued}
	switch c.record {
	case "failed":
		row.Failed, row.Started = true, last
	case "minutes":
		row.Processing, row.Started = true, now.Add(-within(rng, 2*time.Minute, 50*time.Minute))
	case "stuck":
		row.Processing, row.Started = true, now.Add(-30*time.Hour)
	case "both":
		row.Processing, row.Failed, row.Started = true, true, last
	case "null":
		row.Started = time.Time{}
	case "zero":
		row.StartedText = "0000-00-00 00:00:00"
	case "epoch":
		row.StartedText = fmt.Sprint(issued.Unix())
	case "future":
		row.Started = now.Add(40 * 24 * time.Hour)
	}
	return row
}

// within draws a duration of whole seconds from [low, high).
func within(rng *rand.Rand, low, high time.Duration) time.Duration {
	return low + time.Duration(rng.Int64N(int64((high-low)/time.Second)))*time.Second
}
