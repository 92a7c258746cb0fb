package web

import (
	"io"
	"log"
)

// quiet is a log for servers whose visitors leave rudely.
func quiet() *log.Logger { return log.New(io.Discard, "", 0) }
