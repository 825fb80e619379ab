# SPDX-License-Identifier: MIT
"""What the stand-ins for services share."""
import os
import ssl


def secure(server, certificate, key):
    """Has the server speak TLS; the handshake is left to the thread of each connection."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)


def serve(server, directory, name="port"):
    """Writes the port of the server, which listens already, to DIR/NAME, prints READY, and answers for ever."""
    path = os.path.join(directory, name)
    with open(path + ".new", "w") as file:
        file.write(str(server.server_address[1]))
    os.rename(path + ".new", path)
    print("READY", flush=True)
    server.serve_forever()
