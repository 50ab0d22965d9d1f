filedesc://zoo.arc 192.0.2.1 20081104142103 text/plain 64
1 0 Zoo
URL IP-address Archive-date Content-type Archive-length

http://www.example/1 192.0.2.1 20081104142103 text/html 275
HTTP/1.1 200 OK
Content-Type: text/html

<html lang=ja><title>1番</title><p>これは1番目のページです。港の灯台は百年以上も前から、沖を行く船を見守ってきた。
http://www.example/2 192.0.2.1 20081104142103 text/html 198
HTTP/1.1 200 OK
Content-Type: text/html

<html lang=ja><title>2番</title><p>これは2番目のページです。港の灯台は百年以上も前から、沖を行く船を見守ってきた。
http://www.example/3 192.0.2.1 20081104142103 text/html 198
HTTP/1.1 200 OK
Content-Type: text/html

<html lang=ja><title>3番</title><p>これは3番目のページです。港の灯台は百年以上も前から、沖を行く船を見守ってきた。
