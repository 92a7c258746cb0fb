package config

import "time"

// Schedule is when each job is due, read in Config.Timezone.
type Schedule struct {
	Panel   Cron `key:"panel" is:"cron" default:"*/5 * * * *" title:"Read what is new in the panels"`
	Domains Cron `key:"domains" is:"cron" default:"0 */6 * * *" title:"Look at every domain itself"`
	Daily   Cron `key:"daily" is:"cron" default:"0 9 * * *" title:"The daily digest"`
	Weekly  Cron `key:"weekly" is:"cron" default:"0 9 * * 1" title:"The report of the week before"`
}

// Thresholds say from which count on a panel's metric is worth an alert. A
// Warn of 0 means no warning level. A default Warn above a Critical that the
// file sets is dropped; one that the file sets is a fault.
type Thresholds struct {
	Processing Processing `key:"processing" title:"Certificates being issued at once"`
	Failed     Failed     `key:"failed" title:"Certificates given up"`
	Failing    Failing    `key:"failing" title:"Certificates that fail again and again"`
	Overdue    Overdue    `key:"overdue" title:"Certificates not renewed in time"`
	// Zombie is ca.zombie: no certificate for so long, and failing still.
	Zombie time.Duration `key:"zombie" is:"duration" min:"1d" default:"180d" title:"Sites that fail without a success for so long should not be tried any more"`
}

// Processing is panel.processing.
type Processing struct {
	Warn     int `key:"warn" is:"count" min:"0" default:"60" title:"Warning from this many; 0: never"`
	Critical int `key:"critical" is:"count" min:"1" default:"100" title:"Critical from this many"`
}

// Failed is panel.failed.
type Failed struct {
	Warn     int `key:"warn" is:"count" min:"0" title:"Warning from this many; never if absent"`
	Critical int `key:"critical" is:"count" min:"1" default:"50" title:"Critical from this many"`
}

// Failing is panel.failing: certificates with at least Times failures Within.
type Failing struct {
	Warn     int           `key:"warn" is:"count" min:"0" title:"Warning from this many; never if absent"`
	Critical int           `key:"critical" is:"count" min:"1" default:"21" title:"Critical from this many"`
	Within   time.Duration `key:"within" is:"duration" min:"1m" default:"4h" title:"How far back failures count"`
	Times    int           `key:"times" is:"count" min:"1" default:"2" title:"Failures that make a certificate count"`
}

// Overdue is panel.overdue. One late certificate is worth a look, for it has
// days left to live. No report gives a critical count; twenty at once are no
// longer single customers' trouble but renewal itself, the same size as the
// default of Failing.
type Overdue struct {
	Warn     int `key:"warn" is:"count" min:"0" default:"1" title:"Warning from this many; 0: never"`
	Critical int `key:"critical" is:"count" min:"1" default:"20" title:"Critical from this many"`
	// LifeLeft is a share of the certificate's whole life: 7/90 is a week
	// of ninety days, and five days of sixty-four.
	LifeLeft float64 `key:"life_left" is:"share" default:"7/90" title:"Overdue when less than this share of its life is left"`
	// Learn replaces LifeLeft by what the panel usually leaves, once 50
	// renewals were seen.
	Learn bool `key:"learn" is:"truth" default:"true" title:"Learn from 50 renewals on what this panel usually leaves"`
}

// Alerts is how an alert behaves after it opened.
type Alerts struct {
	Remind time.Duration `key:"remind" is:"duration" min:"1m" default:"4h" title:"Remind of an open critical alert that nobody took"`
	// ResolveAfter is in runs of the panel job.
	ResolveAfter int `key:"resolve_after" is:"count" min:"1" default:"2" title:"Good runs in a row that end an alert"`
}

// DefaultThresholds are those of a file that names none.
func DefaultThresholds() Thresholds {
	return Thresholds{
		Processing: Processing{Warn: 60, Critical: 100},
		Failed:     Failed{Critical: 50},
		Failing:    Failing{Critical: 21, Within: 4 * time.Hour, Times: 2},
		Overdue:    Overdue{Warn: 1, Critical: 20, LifeLeft: 7.0 / 90, Learn: true},
		Zombie:     180 * day,
	}
}
