// Package panel looks at what the panel itself says: its counts, its flags
// per site, its issuing log.
package panel

import (
	"domovoy/checks"
)

// Tables of the panel, as its own schema names them.
const (
	tableSites        = "webdomain"
	tableCertificates = "letsencrypt_ssl"
	tableLog          = "letsencrypt_log"
)

// Missing is the reason of a metric that needs what the panel lacks; the
// table and column follow it.
const Missing = "missing"

// Counts are the article's metrics over one snapshot. The number of
// certificates that keep failing comes from the issuing log and the number of
// overdue sites from looking at them, so the caller gives both.
func Counts(s checks.Snapshot, failing, overdue int) []checks.Metric {
	var processing, failed, nocertificate, noredirect int
	for _, c := range s.Certificates {
		processing += one(c.Processing == checks.On)
		failed += one(c.Failed == checks.On)
	}
	for _, site := range s.Sites {
		if site.Active == checks.On {
			nocertificate += one(site.Secure == checks.Off)
			noredirect += one(site.Redirect == checks.Off)
		}
	}
	return []checks.Metric{
		metric(s, checks.PanelProcessing, processing, tableCertificates, "processing"),
		metric(s, checks.PanelFailed, failed, tableCertificates, "failed"),
		metric(s, checks.PanelFailing, failing, tableLog, "certname", "status", "date"),
		metric(s, checks.PanelOverdue, overdue, tableCertificates, "time_started", "processing", "failed"),
		metric(s, checks.PanelNoCertificate, nocertificate, tableSites, "active", "secure"),
		metric(s, checks.PanelNoRedirect, noredirect, tableSites, "active", "redirect_http"),
	}
}

// metric is a count, or the reason why it cannot be had.
func metric(s checks.Snapshot, code checks.Code, value int, table string, columns ...string) checks.Metric {
	for _, column := range columns {
		if s.Lacks(table, column) {
			return checks.Metric{Server: s.Server, Code: code, Err: Missing + ": " + table + "." + column}
		}
	}
	return checks.Metric{Server: s.Server, Code: code, Value: value}
}

// Unavailable gives every metric as one that could not be counted.
func Unavailable(server, reason string) []checks.Metric {
	metrics := Counts(checks.Snapshot{Server: server}, 0, 0)
	for i := range metrics {
		metrics[i].Value, metrics[i].Err = 0, reason
	}
	return metrics
}

func one(yes bool) int {
	if yes {
		return 1
	}
	return 0
}
