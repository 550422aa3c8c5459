package schedulerd

import (
	"net"
	"net/http"
	"strings"
)

// onlyAsLocal answers, on an address of this machine alone, only who asks for this machine. A name
// that somebody has pointed at it, with DNS, would let the pages under that name read what is
// served here, from a browser on this machine (DNS rebinding).
func onlyAsLocal(addr net.Addr, h http.Handler) http.Handler {
	if tcp, ok := addr.(*net.TCPAddr); !ok || !tcp.IP.IsLoopback() {
		return h
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isLocal(r.Host) {
			http.Error(w, "this is served on loopback: ask for it as localhost, or by its address",
				http.StatusMisdirectedRequest)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// isLocal tells whether a Host header, with a port or without, names this machine to itself.
func isLocal(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	return strings.EqualFold(host, "localhost") || net.ParseIP(host).IsLoopback()
}
