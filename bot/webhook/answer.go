package webhook

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"domovoy/bot"
)

const (
	defaultWait = 30 * time.Second // after a 429 that does not say how long
	longestWait = time.Hour        // a longer one is a mistake that would silence the alerts
)

// judge says what an answer means. What may be a proxy's fault or pass by itself is
// retried without end: 408, 425, 5xx; so is 3xx, which a proxy's login page
// answers. Any other 4xx is a refusal that is given up after some tries, because 403
// and 404 may be a proxy's too. Only 410 says that the receiver is gone for good.
func (h *hook) judge(response *http.Response, now time.Time) error {
	status := response.StatusCode
	err := fmt.Errorf("the webhook %s answered %d", h.Name, status)
	wait, asked := retryAfter(response.Header.Get("Retry-After"), now)
	switch {
	case status >= 200 && status < 300:
		return nil
	case status == http.StatusGone:
		return &bot.Permanent{Reason: "410", Err: err}
	case status == http.StatusTooManyRequests && !asked:
		return &bot.RetryAfter{After: defaultWait, Err: err}
	case asked && (passing(status) || status == http.StatusTooManyRequests):
		return &bot.RetryAfter{After: wait, Err: err}
	case passing(status):
		return &bot.Unclear{Arrived: status >= 500, Err: err} // a gateway answers 502 and 504 for a receiver that has it
	case status >= 400:
		return &bot.Refused{Reason: strconv.Itoa(status), Err: err}
	}
	return &bot.Unclear{Err: err}
}

// passing reports whether a status is about this moment.
func passing(status int) bool {
	return status >= 500 || status == http.StatusRequestTimeout || status == http.StatusTooEarly
}

// retryAfter reads the header of RFC 9110, section 10.2.3: seconds, or a date.
func retryAfter(header string, now time.Time) (time.Duration, bool) {
	wait := time.Duration(0)
	if seconds, err := strconv.ParseUint(header, 10, 31); err == nil {
		wait = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(header); err == nil {
		wait = at.Sub(now)
	} else {
		return 0, false
	}
	return min(max(wait, time.Second), longestWait), true
}
