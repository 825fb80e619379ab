#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A stand-in proxy on a free port of 127.0.0.1.

proxy.py DIR PORT

Whatever host a client asks it to CONNECT to (RFC 9110, 9.3.6), it connects the client to PORT of 127.0.0.1. It writes its port to
DIR/proxy-port once it listens, and each host with its port becomes a line of DIR/connects.
"""
import os
import socket
import socketserver
import sys
import threading

import standin


def pass_on(source, target):
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        pass
    try:
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


class Handler(socketserver.StreamRequestHandler):
    rbufsize = 0  # what follows the headers is for the other side

    def handle(self):
        method, host, _ = self.rfile.readline().decode().split()
        while self.rfile.readline().strip():
            pass
        with open(os.path.join(sys.argv[1], "connects"), "a") as connects:
            connects.write(host + "\n")
        if method != "CONNECT":
            self.wfile.write(b"HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n")
            return
        with socket.create_connection(("127.0.0.1", int(sys.argv[2]))) as server:
            self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            threading.Thread(target=pass_on, args=(server, self.connection), daemon=True).start()
            pass_on(self.connection, server)


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True


def main():
    with Server(("127.0.0.1", 0), Handler) as server:
        standin.serve(server, sys.argv[1], "proxy-port")


if __name__ == "__main__":
    main()
