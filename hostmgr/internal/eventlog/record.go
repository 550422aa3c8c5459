package eventlog

import "strconv"

// endOfLine tells a complete line from one that was cut off.
const endOfLine = ";\n"

// A Record is a line that is being put together, between Begin and End. It belongs to one
// goroutine. On the zero Record all methods do nothing.
type Record struct {
	log *Log // its mutex is held
}

// Begin begins a record of an event at the given time, in nanoseconds. If there is no room, the
// record is lost and Begin returns the zero Record. Otherwise Begin locks the Log until End. The
// caller must call End, and must not call any method of the Log before.
func (l *Log) Begin(kind string, at int64) Record {
	if l == nil {
		return Record{}
	}
	l.mu.Lock()
	if len(l.buf) >= l.cfg.Buffer {
		l.pendingLost++
		l.stats.Lost++
		l.mu.Unlock()
		return Record{}
	}
	l.startLine(at)
	r := Record{l}
	r.begin(kind, at)
	return r
}

// startLine writes what must precede the next record. The caller holds l.mu.
func (l *Log) startLine(at int64) {
	if l.torn {
		l.buf, l.torn = append(l.buf, '\n'), false
	}
	if l.pendingLost == 0 {
		return
	}
	r := Record{l}
	r.begin("lost", at)
	r.Num("records", int64(l.pendingLost))
	l.buf = append(l.buf, endOfLine...)
	l.lost, l.pendingLost = l.lost+l.pendingLost, 0
}

func (r Record) begin(kind string, at int64) {
	r.log.buf = append(r.log.buf, kind...)
	r.Num("at", at)
}

// Num adds a number.
func (r Record) Num(key string, v int64) {
	if r.log != nil {
		r.key(key)
		r.log.buf = strconv.AppendInt(r.log.buf, v, 10)
	}
}

// NumIf adds a number, unless it is 0.
func (r Record) NumIf(key string, v int64) {
	if v != 0 {
		r.Num(key, v)
	}
}

// Text adds a string in double quotes, escaped as in Go and all in ASCII, unless it is empty.
func (r Record) Text(key, v string) {
	if r.log != nil && v != "" {
		r.key(key)
		r.log.buf = appendQuoted(r.log.buf, v)
	}
}

// End completes the record, and unlocks the Log. It is called once.
func (r Record) End() {
	if r.log == nil {
		return
	}
	r.log.buf = append(r.log.buf, endOfLine...)
	r.log.records++
	r.log.mu.Unlock()
}

func (r Record) key(key string) {
	r.log.buf = append(r.log.buf, ' ')
	r.log.buf = append(r.log.buf, key...)
	r.log.buf = append(r.log.buf, '=')
}

// appendQuoted is strconv.AppendQuoteToASCII, but fast where there is nothing to escape.
func appendQuoted(to []byte, v string) []byte {
	for i := range len(v) {
		if b := v[i]; b < ' ' || b > '~' || b == '"' || b == '\\' {
			return strconv.AppendQuoteToASCII(to, v)
		}
	}
	return append(append(append(to, '"'), v...), '"')
}
