filedesc://zoo.arc 192.0.2.1 20081104142103 text/plain 200 fac069150613fe55599cc7fa88aa089d - 209 zoo.arc 110
2 0 Zoo
URL IP-address Archive-date Content-type Result-code Checksum Location Offset Filename Archive-length

http://www.example/1 192.0.2.1 20081104142103 text/html 200 fac069150613fe55599cc7fa88aa089d - 209 zoo.arc 198
HTTP/1.1 200 OK
Content-Type: text/html

<html lang=ja><title>1番</title><p>これは1番目のページです。港の灯台は百年以上も前から、沖を行く船を見守ってきた。
http://www.example/2 192.0.2.1 20081104142103 text/html 200 fac069150613fe55599cc7fa88aa089d - 209 zoo.arc 198
HTTP/1.1 200 OK
Content-Type: text/html

<html lang=ja><title>2番</title><p>これは2番目のページです。港の灯台は百年以上も前から、沖を行く船を見守ってきた。
