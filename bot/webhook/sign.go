package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"time"
)

// sign returns the signature of a body at a time, one for each secret; empty if there
// are none. The time is signed too, so that nobody can send an old message again.
func sign(now time.Time, body []byte, secrets []string) string {
	if len(secrets) == 0 {
		return ""
	}
	at := strconv.FormatInt(now.Unix(), 10)
	signature := "t=" + at
	for _, secret := range secrets {
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write([]byte(at + "."))
		mac.Write(body)
		signature += ",v1=" + hex.EncodeToString(mac.Sum(nil))
	}
	return signature
}
