package lab

import (
	"errors"
	"net/http"
	"strings"
)

// slackError is a refusal in the Web API's form: HTTP 200 and ok false, save
// for 429. https://docs.slack.dev/apis/web-api/#responses
type slackError struct {
	code       string
	problems   []string // for response_metadata.messages
	retryAfter int      // seconds, 0 unless rate limited
	status     int      // HTTP status; 0 means 200
}

func (e *slackError) Error() string {
	return strings.Join(append([]string{e.code}, e.problems...), "; ")
}

func slackReply(fields object, err error) reply {
	if err == nil {
		body := object{"ok": true}
		for name, value := range fields {
			body[name] = value
		}
		return jsonReply(http.StatusOK, body)
	}
	refusal, ok := errors.AsType[*slackError](err)
	if !ok {
		refusal = &slackError{code: "internal_error", problems: []string{err.Error()}}
	}
	return refusal.reply()
}

func (e *slackError) reply() reply {
	body := object{"ok": false, "error": e.code}
	if len(e.problems) > 0 {
		body["errors"] = e.problems
		body["response_metadata"] = object{"messages": e.problems}
	}
	status := e.status
	if status == 0 {
		status = http.StatusOK
	}
	answer := jsonReply(status, body)
	answer.retryAfter = e.retryAfter
	answer.problem = e.Error()
	return answer
}

// rateLimited is https://docs.slack.dev/apis/web-api/rate-limits.
func rateLimited(seconds int) *slackError {
	return &slackError{code: "ratelimited", status: http.StatusTooManyRequests, retryAfter: seconds}
}

func refuseSlack(f Fault) reply {
	if f.Kind == TooManyRequests {
		return rateLimited(f.RetryAfter).reply()
	}
	return (&slackError{code: f.Text, status: f.Status}).reply()
}
