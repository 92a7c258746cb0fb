package lab

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
)

// object is a JSON object of an API's answer.
type object = map[string]any

// telegramError is a refusal in the Bot API's form.
// https://core.telegram.org/bots/api#responseparameters
type telegramError struct {
	code       int
	text       string
	migrateTo  int64 // 0 unless the group has become a supergroup
	retryAfter int   // seconds, 0 unless the code is 429
}

func (e *telegramError) Error() string { return fmt.Sprintf("%d %s", e.code, e.text) }

var (
	errUnauthorized = &telegramError{code: http.StatusUnauthorized, text: "Unauthorized"}
	errNotFound     = &telegramError{code: http.StatusNotFound, text: "Not Found"}
	errNoMethod     = &telegramError{code: http.StatusNotFound, text: "Not Found: method not found"}
	errConflict     = &telegramError{code: http.StatusConflict,
		text: "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"}
)

func badRequest(text string) *telegramError {
	return &telegramError{code: http.StatusBadRequest, text: "Bad Request: " + text}
}

func forbidden(text string) *telegramError {
	return &telegramError{code: http.StatusForbidden, text: "Forbidden: " + text}
}

func tooManyRequests(seconds int) *telegramError {
	return &telegramError{
		code:       http.StatusTooManyRequests,
		text:       fmt.Sprintf("Too Many Requests: retry after %d", seconds),
		retryAfter: seconds,
	}
}

func telegramReply(result any, err error) reply {
	if refusal, ok := errors.AsType[*telegramError](err); ok {
		return telegramRefusal(refusal)
	}
	if err != nil {
		return telegramRefusal(&telegramError{code: http.StatusInternalServerError, text: "Internal Server Error: " + err.Error()})
	}
	return jsonReply(http.StatusOK, object{"ok": true, "result": result})
}

func telegramRefusal(e *telegramError) reply {
	body := object{"ok": false, "error_code": e.code, "description": e.text}
	switch {
	case e.migrateTo != 0:
		body["parameters"] = object{"migrate_to_chat_id": e.migrateTo}
	case e.retryAfter != 0:
		body["parameters"] = object{"retry_after": e.retryAfter}
	}
	answer := jsonReply(e.code, body)
	answer.retryAfter = e.retryAfter
	answer.problem = e.text
	return answer
}

func refuseTelegram(f Fault) reply {
	if f.Kind == TooManyRequests {
		return telegramRefusal(tooManyRequests(f.RetryAfter))
	}
	if f.Status == 0 {
		f.Status = http.StatusBadRequest
	}
	return telegramRefusal(&telegramError{code: f.Status, text: f.Text})
}

func jsonReply(status int, body any) reply {
	text, err := json.Marshal(body)
	if err != nil { // only a mistake of the lab itself
		return reply{status: http.StatusInternalServerError, mime: "text/plain", body: []byte(err.Error()), problem: err.Error()}
	}
	return reply{status: status, mime: "application/json", body: text}
}
