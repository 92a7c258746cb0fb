package web

import (
	"fmt"
	"io"
	"log"
	"strings"

	"domovoy/checks"
)

// quiet is a log for servers whose clients close connections early.
func quiet() *log.Logger { return log.New(io.Discard, "", 0) }

// summary formats findings as codes, each with its rule, or marked as
// information.
func summary(found []checks.Finding) string {
	var codes []string
	for _, f := range found {
		code := string(f.Code)
		if f.Severity == checks.Info {
			codes = append(codes, code+"(info)")
			continue
		}
		if rule, _ := f.Args["rule"].(string); rule != "" && f.Code != checks.WebFlapping && f.Code != checks.WebIPv6 {
			code += " " + rule
		}
		codes = append(codes, code)
	}
	return strings.Join(codes, " ")
}

func details(found []checks.Finding) string {
	var b strings.Builder
	for _, f := range found {
		fmt.Fprintf(&b, "%s %v\n%s\n", f.Code, f.Args, f.Detail)
	}
	return b.String()
}
