package lab

import (
	"context"
	"net/http"
	"strconv"
	"time"
)

// front is the part both APIs share: the server, the log of calls, the faults.
type front struct {
	*server
	calls  callLog
	faults faultList
}

// reply is one HTTP answer.
type reply struct {
	status     int
	retryAfter int // seconds, for the Retry-After header; 0 sends none
	mime       string
	body       []byte
	problem    string // for the log of calls
}

// exchange is one call with its two ways of being answered.
type exchange struct {
	method string
	params map[string]string
	refuse func(Fault) reply
	run    func(context.Context) reply
}

// handle logs a call, treats it as a waiting fault says, and answers.
func (f *front) handle(w http.ResponseWriter, r *http.Request, x exchange) {
	call := f.calls.open(Call{Method: x.method, Params: x.params, At: time.Now()})
	var answer reply
	switch fault := f.faults.next(x.method); fault.Kind {
	case 0:
		answer = x.run(r.Context())
	case Hang:
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	case Drop:
		x.run(r.Context())
		panic(http.ErrAbortHandler) // closes the connection without an answer
	case BadGateway:
		answer = reply{status: http.StatusBadGateway, mime: "text/html", body: []byte(badGatewayPage), problem: "bad gateway"}
	default:
		answer = x.refuse(fault)
	}
	f.calls.close(call, answer.status, answer.problem)
	answer.write(w)
}

const badGatewayPage = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n" +
	"<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"

func (a reply) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", a.mime)
	if a.retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(a.retryAfter))
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // a client that left is no error of the server
}

// Close ends all connections and waits for everything the server started.
func (f *front) Close() { f.close() }

// Calls lists the calls of a method in order of arrival, refused ones too; of
// all methods when it is empty.
func (f *front) Calls(method string) []Call { return f.calls.list(method) }

// WaitCalls waits until a method was called n times in all; counted on arrival.
func (f *front) WaitCalls(ctx context.Context, method string, n int) ([]Call, error) {
	return f.calls.wait(ctx, method, n)
}

// Fail makes the next n calls of a method (empty: of any method) meet a fault.
func (f *front) Fail(method string, n int, fault Fault) { f.faults.add(method, n, fault) }

// Heal forgets the faults that still wait.
func (f *front) Heal() { f.faults.clear() }
