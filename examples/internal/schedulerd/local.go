package schedulerd

import (
	"net"
	"net/http"
	"strings"
)

// onlyAsLocal answers, on a loopback address, only requests for this machine by a loopback address or
// as localhost. Otherwise a page of another site whose DNS name points to this machine could read the
// answers in a browser on this machine (DNS rebinding).
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

// isLocal tells whether a Host header, with or without a port, is localhost or a loopback address.
func isLocal(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	return strings.EqualFold(host, "localhost") || net.ParseIP(host).IsLoopback()
}
