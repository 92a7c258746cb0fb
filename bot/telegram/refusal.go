package telegram

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	tgbotapi "github.com/go-telegram-bot-api/telegram-bot-api/v5"

	"domovoy/bot"
)

// defaultWait is how long to wait after a 429 without a retry_after.
const defaultWait = 5 * time.Second

// explain turns a refusal by Telegram into one of bot's errors. It returns any other
// error as it is, which means that the outbox retries.
func explain(err error, to bot.Address) error {
	refusal, refused := errors.AsType[*tgbotapi.Error](err)
	switch {
	case !refused:
		return err
	case refusal.MigrateToChatID != 0:
		return &bot.Moved{To: bot.Address{
			Messenger: Messenger,
			Chat:      strconv.FormatInt(refusal.MigrateToChatID, 10),
			Thread:    to.Thread,
		}}
	case refusal.RetryAfter > 0 || refusal.Code == http.StatusTooManyRequests:
		return &bot.RetryAfter{After: waitOf(refusal), Err: err}
	case isPermanent(refusal):
		return &bot.Permanent{Reason: reasonOf(refusal), Token: refusal.Code == http.StatusUnauthorized, Err: err}
	case refusal.Code >= http.StatusBadRequest && refusal.Code < http.StatusInternalServerError:
		return &bot.Refused{Reason: reasonOf(refusal), Err: err}
	}
	return err
}

func waitOf(refusal *tgbotapi.Error) time.Duration {
	if refusal.RetryAfter > 0 {
		return time.Duration(refusal.RetryAfter) * time.Second
	}
	return defaultWait
}

// isPermanent reports whether no retry can succeed: after a 403 (blocked, kicked,
// deactivated, not a member), an invalid token (401; 404 when it does not have the
// shape of one), and the texts of 400 below. The API does not document these
// texts; they come from its server and from MTProto.
func isPermanent(refusal *tgbotapi.Error) bool {
	switch refusal.Code {
	case http.StatusUnauthorized, http.StatusForbidden:
		return true
	case http.StatusNotFound: // an older server lacks some methods
		return !says(refusal, "method not found")
	}
	return says(refusal,
		"chat not found", "user not found", "user is deactivated", "peer_id_invalid",
		"bot was blocked", "bot was kicked", "bot is not a member",
		"group chat was deactivated", "group chat was deleted", "channel_private",
		"not enough rights", "have no rights", "need administrator rights",
		"chat_write_forbidden", "chat_restricted", "chat_send_plain_forbidden",
	)
}

// reasonOf is the text of a refusal without the name of its HTTP status.
func reasonOf(refusal *tgbotapi.Error) string {
	for _, status := range []string{"Bad Request: ", "Forbidden: "} {
		if reason, found := strings.CutPrefix(refusal.Message, status); found {
			return reason
		}
	}
	return refusal.Message
}

// says reports whether an error is a refusal by Telegram whose text contains one of
// the phrases, which are in lower case.
func says(err error, phrases ...string) bool {
	refusal, refused := errors.AsType[*tgbotapi.Error](err)
	if !refused {
		return false
	}
	text := strings.ToLower(refusal.Message)
	for _, phrase := range phrases {
		if strings.Contains(text, phrase) {
			return true
		}
	}
	return false
}
